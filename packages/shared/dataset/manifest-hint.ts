/** The hint of every message about a manifest. */
export const MANIFEST_HINT = 'docs/manifests.md describes manifests';
