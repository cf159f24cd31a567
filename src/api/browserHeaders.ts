/** What every answer tells browsers: nothing here is for pages of others to show, load or learn from. */
/** On every answer; the pages of `/docs` have a policy of their own. */
export const BROWSER_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  // For browsers that do not know frame-ancestors.
  "x-frame-options": "DENY",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
};

/**
 * What swagger-ui needs: its own scripts and requests; the styles and images that it writes into the page. The page has inline
 * style attributes, so styles are open; scripts are not.
 */
export const DOCS_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");
