/** The body of a thread that reads headers of local files. */

import { readHeaders } from './read-headers.ts';

export default readHeaders;
