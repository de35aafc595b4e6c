/**
 * What a location is called in messages, flags and logs: the name of its file, with digests in place of UIDs, or for a
 * DICOMweb server, whose locations are made of UIDs, a digest alone.
 */

import { withoutUids } from '../domain/index.ts';
import { describePlace, isDicomWeb, parseDicomWebLocation } from './dicomweb/location.ts';

/**
 * The file's name for `file://` (percent-decoded) and `s3://` (as it stands: keys are not encoded), `instance 3f2a91c0`
 * for DICOMweb. What looks like a UID in a file's name is `uid-` and eight digits of its digest. Never throws, whatever
 * the text.
 */
export function describeLocation(location: string): string {
  if (isDicomWeb(location)) return describeDicomWeb(location);
  const name = location.replace(/\/+$/, '').replace(/^.*\//s, '');
  return withoutUids(location.startsWith('file:') ? decoded(name) : name);
}

function describeDicomWeb(location: string): string {
  try {
    return describePlace(parseDicomWebLocation(location));
  } catch {
    return 'a place on a DICOMweb server';
  }
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
