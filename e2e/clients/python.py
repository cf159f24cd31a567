"""What a program in Python does with the client that openapi-python-client makes, against a live server."""

import io
import os
from typing import TypeVar

from trimtab_client import AuthenticatedClient, Client
from trimtab_client.api.clusters import delete_cluster, get_cluster, list_clusters, patch_cluster, put_cluster
from trimtab_client.api.config import apply_config, get_config, put_config
from trimtab_client.api.explain import explain
from trimtab_client.api.fleets import get_fleet_files, get_fleet_status, list_fleet_proxies
from trimtab_client.api.health_checks import get_health_check, put_health_check
from trimtab_client.api.revisions import get_revision, list_revisions, restore_revision
from trimtab_client.api.system import get_health, get_readiness
from trimtab_client.models import (
    ClusterBalance,
    ClusterBalancePatch,
    ClusterBalancePolicy,
    ChangeWord,
    Cluster,
    ClusterList,
    ClusterPatch,
    Config,
    ClusterEndpoint,
    ExplainRequest,
    Explanation,
    FilePoller,
    Fleet,
    FleetFiles,
    FleetProxy,
    FleetStatus,
    FleetStatusState,
    Health,
    HealthCheck,
    HealthCheckType,
    Labels,
    Listener,
    ListenerProtocol,
    PathMatch,
    Problem,
    ProblemCode,
    Proxies,
    Readiness,
    RespondOutcome,
    Revision,
    RevisionList,
    Route,
    RouteMatch,
    RouteRespond,
    RouteRule,
    WriteAnswer,
)
from trimtab_client.types import UNSET, File

SERVER = os.environ["TRIMTAB_SERVER"]
client = AuthenticatedClient(SERVER, os.environ["TRIMTAB_TOKEN"], raise_on_unexpected_status=True)


T = TypeVar("T")


def must(kind: type[T], parsed: object) -> T:
    """The answer, of the kind that it is."""
    if isinstance(parsed, kind):
        return parsed
    raise AssertionError(f"no {kind.__name__}: {parsed}")


blue = Cluster(name="blue", endpoints=[ClusterEndpoint(address="10.0.0.1", port=80)])
labels = Labels.from_dict({"team": "shop"})
config = Config(
    fleets=[Fleet(name="edge", proxy=FleetProxy.ENVOY), Fleet(name="legacy", proxy=FleetProxy.NGINX)],
    listeners=[Listener(name="web", fleets=["edge", "legacy"], port=8080, protocol=ListenerProtocol.HTTP)],
    clusters=[Cluster(name="green", labels=labels, endpoints=[ClusterEndpoint(address="10.0.0.2", port=80)])],
    routes=[
        Route(
            name="shop",
            listeners=["web"],
            rules=[
                RouteRule(matches=[RouteMatch(path=PathMatch(prefix="/old"))], respond=RouteRespond(status=410)),
            ],
        )
    ],
)


def whole() -> None:
    tried = must(WriteAnswer, put_config.sync(client=client, body=config, dry_run=True))
    assert tried.dry_run is True and len(tried.changed) == 5
    assert must(Config, get_config.sync(client=client)).to_dict() == {}
    written = must(WriteAnswer, put_config.sync(client=client, body=config))
    assert written.dry_run is UNSET and {change.change for change in written.changed} == {ChangeWord.CREATED}
    assert must(Config, get_config.sync(client=client)).clusters == config.clusters
    text = File(payload=io.BytesIO(b"clusters: [{name: green, endpoints: []}]"))
    yaml = must(WriteAnswer, apply_config.sync(client=client, body=text, dry_run=True))
    assert [change.resource for change in yaml.changed] == ["clusters/green"]


def one_by_one() -> None:
    created = put_cluster.sync_detailed("blue", client=client, body=blue)
    assert created.status_code == 201 and created.headers["location"] == "/v1/clusters/blue"
    assert must(WriteAnswer, created.parsed).changed[0].change is ChangeWord.CREATED
    read = get_cluster.sync_detailed("blue", client=client)
    assert must(Cluster, read.parsed).endpoints[0].port == 80
    etag = read.headers["etag"]
    assert get_cluster.sync_detailed("blue", client=client, if_none_match=etag).status_code == 304

    more = must(Cluster, read.parsed)
    more.endpoints.append(ClusterEndpoint(address="10.0.0.3", port=81, weight=2))
    updated = must(WriteAnswer, put_cluster.sync("blue", client=client, body=more, if_match=etag))
    assert updated.changed[0].change is ChangeWord.UPDATED
    late = must(Problem, put_cluster.sync("blue", client=client, body=blue, if_match=etag))
    assert late.code is ProblemCode.API_PRECONDITION_FAILED and late.status == 412

    patch = ClusterPatch(balance=ClusterBalancePatch(policy=ClusterBalancePolicy.LEASTREQUEST))
    must(WriteAnswer, patch_cluster.sync("blue", client=client, body=patch))
    assert must(Cluster, get_cluster.sync("blue", client=client)).balance == ClusterBalance(policy=ClusterBalancePolicy.LEASTREQUEST)
    must(WriteAnswer, patch_cluster.sync("blue", client=client, body=ClusterPatch(balance=None)))
    assert must(Cluster, get_cluster.sync("blue", client=client)) == more


def lists() -> None:
    names: list[str] = []
    cursor: str | None = None
    while True:
        page = must(ClusterList, list_clusters.sync(client=client, limit=1, cursor=cursor or UNSET))
        names += [cluster.name for cluster in page.items]
        if not isinstance(page.next_cursor, str):
            break
        cursor = page.next_cursor
    assert names == ["blue", "green"]
    labelled = must(ClusterList, list_clusters.sync(client=client, label=["team=shop", "team"]))
    assert [cluster.name for cluster in labelled.items] == ["green"]


def applies() -> None:
    body = Config(health_checks=[HealthCheck(name="alive", type_=HealthCheckType.HTTP)])
    tried = must(WriteAnswer, apply_config.sync(client=client, body=body, owner="shop", dry_run=True))
    assert tried.dry_run is True
    must(WriteAnswer, apply_config.sync(client=client, body=body, owner="shop"))
    taken = must(Problem, apply_config.sync(client=client, body=body, owner="other"))
    assert taken.code is ProblemCode.API_OWNED_BY_OTHER
    must(WriteAnswer, apply_config.sync(client=client, body=body, owner="other", force=True))
    # What has a default was not sent, and is not there.
    assert must(HealthCheck, get_health_check.sync("alive", client=client)).interval is UNSET
    pruned = must(WriteAnswer, apply_config.sync(client=client, body=Config(), owner="other"))
    assert [change.resource for change in pruned.changed] == ["healthChecks/alive"]


def problems() -> None:
    wrong = HealthCheck(name="alive", type_=HealthCheckType.HTTP, interval="soon", rise=0)
    refused = must(Problem, put_health_check.sync("alive", client=client, body=wrong))
    assert refused.code is ProblemCode.API_INVALID and isinstance(refused.errors, list)
    assert sorted(item.pointer for item in refused.errors) == ["/interval", "/rise"]
    stranger = Client(SERVER)
    assert must(Problem, get_config.sync(client=stranger)).code is ProblemCode.API_UNAUTHORIZED
    assert must(Health, get_health.sync(client=stranger)).status == "ok"


def history() -> None:
    page = must(RevisionList, list_revisions.sync(client=client, limit=2))
    assert page.next_cursor == page.items[-1].revision and page.items[0].time.year > 2000
    first = must(Revision, get_revision.sync(1, client=client))
    assert first.config.clusters == config.clusters
    restored = must(WriteAnswer, restore_revision.sync(1, client=client))
    assert restored.revision == page.items[0].revision + 1
    gone = must(WriteAnswer, delete_cluster.sync("green", client=client))
    assert gone.changed[0].change is ChangeWord.DELETED
    assert must(Problem, get_cluster.sync("green", client=client)).code is ProblemCode.API_NOT_FOUND


def fleets() -> None:
    files = must(FleetFiles, get_fleet_files.sync("legacy", client=client))
    assert any("listen" in file.text for file in files.files)
    assert must(FleetStatus, get_fleet_status.sync("legacy", client=client)).state is FleetStatusState.CURRENT
    assert must(Problem, get_fleet_files.sync("edge", client=client)).code is ProblemCode.API_NO_FILES
    assert must(Proxies, list_fleet_proxies.sync("edge", client=client)).items == []
    poller = must(Proxies, list_fleet_proxies.sync("legacy", client=client)).items[0]
    assert must(FilePoller, poller).generation == files.generation
    ready = must(Readiness, get_readiness.sync(client=client, verbose=True))
    assert isinstance(ready.fleets, list) and [fleet.fleet for fleet in ready.fleets] == ["edge", "legacy"]
    asked = ExplainRequest(fleet="edge", host="x.example", path="/old")
    outcome = must(Explanation, explain.sync(client=client, body=asked)).outcome
    assert must(RespondOutcome, outcome).status == 410


for part in (whole, one_by_one, lists, applies, problems, history, fleets):
    part()
