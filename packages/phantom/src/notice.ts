/** The notice in everything that is generated here. */
export const PHANTOM_NOTICE =
  'Synthetic lumbar-spine MR made by a program. No person was scanned. NOT FOR CLINICAL USE.';
