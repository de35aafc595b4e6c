/** Where a message about a manifest sends its reader. */
export const MANIFEST_HINT = 'docs/manifests.md describes manifests';
