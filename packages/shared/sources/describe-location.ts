/**
 * Names a location in messages, flags and logs: by its file name, with digests instead of UIDs. Locations on a DICOMweb
 * server consist of UIDs, so they are named by a digest alone.
 */

import { withoutUids } from '../domain/index.ts';
import { describePlace, isDicomWeb, parseDicomWebLocation } from './dicomweb/location.ts';

/**
 * The file name for `file://` (percent-decoded) and `s3://` (unchanged, since keys are not encoded), `instance
 * 3f2a91c0` for DICOMweb. Parts of a file name that look like a UID become `uid-` and eight digits of their digest.
 * Never throws.
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
