/**
 * Parses queries for studies, such as `StudyDate=20261101-20261127&ModalitiesInStudy=MR` (QIDO-RS, PS3.18 8.3.4). They
 * are checked before they are sent, since servers ignore parameters that they do not know and would return the whole
 * archive.
 */

import { ConfigError } from '../../domain/index.ts';

const EXAMPLE = 'such as StudyDate=20261101-20261127&ModalitiesInStudy=MR';

/** Attributes for searching studies (PS3.18 10.6.1.2.3, PS3.4 C.6.2.1 and common extensions). */
const KEYWORDS = [
  ...['StudyDate', 'StudyTime', 'AccessionNumber', 'IssuerOfAccessionNumberSequence', 'ModalitiesInStudy'],
  ...['SOPClassesInStudy', 'AnatomicRegionsInStudyCodeSequence', 'StudyInstanceUID', 'StudyID', 'StudyDescription'],
  ...['ReferringPhysicianName', 'NameOfPhysiciansReadingStudy', 'PhysiciansOfRecord', 'AdmittingDiagnosesDescription'],
  ...['PatientName', 'PatientID', 'IssuerOfPatientID', 'OtherPatientIDs', 'PatientBirthDate', 'PatientBirthTime'],
  ...['PatientSex', 'PatientAge', 'PatientSize', 'PatientWeight', 'PatientComments', 'EthnicGroup', 'Occupation'],
  ...['AdmissionID', 'InstitutionName', 'InstitutionalDepartmentName', 'ProcedureCodeSequence', 'InstanceAvailability'],
  ...['RequestedProcedureID', 'RequestedProcedureDescription', 'RequestAttributesSequence', 'TimezoneOffsetFromUTC'],
  ...['NumberOfStudyRelatedSeries', 'NumberOfStudyRelatedInstances', 'CodeValue', 'CodingSchemeDesignator'],
  ...['Modality', 'SeriesInstanceUID', 'SeriesNumber', 'SeriesDescription', 'SeriesDate', 'SeriesTime', 'ProtocolName'],
  ...[
    'BodyPartExamined',
    'Laterality',
    'Manufacturer',
    'ManufacturerModelName',
    'StationName',
    'PerformingPhysicianName',
  ],
  ...[
    'OperatorsName',
    'PerformedProcedureStepID',
    'PerformedProcedureStepStartDate',
    'PerformedProcedureStepStartTime',
  ],
  ...['PerformedProcedureStepDescription', 'ScheduledProcedureStepID', 'AcquisitionDate', 'MagneticFieldStrength'],
  ...['SOPClassUID', 'SOPInstanceUID', 'StudyStatusID', 'StorageMediaFileSetUID', 'RetrieveAETitle'],
];
const BY_LOWER_CASE = new Map(KEYWORDS.map((keyword) => [keyword.toLowerCase(), keyword]));
/** Parameters of the search itself, not of studies (PS3.18 8.3.4.1, 8.3.4.2). */
const PARAMETERS = new Set(['includefield', 'fuzzymatching', 'emptyvaluematching', 'multiplevaluematching']);
const PAGING = new Set(['limit', 'offset']);

/**
 * The parameters of a query, decoded, in order.
 *
 * Attributes are named by keyword or by tag (`00180015=...`), those in sequences by a path with dots.
 *
 * @throws {ConfigError} for a query without a condition, an unknown keyword, or a condition without a value. Messages
 *   do not repeat values, which may be names of patients.
 */
export function parseStudyQuery(query: string): [name: string, value: string][] {
  const parts = query.trim().replace(/^\?/, '').split('&');
  const parameters = parts.flatMap((part, i) => (part.trim() === '' ? [] : [parameterOf(part.trim(), i + 1)]));
  if (parameters.every(([name]) => PARAMETERS.has(name))) {
    throw new ConfigError('the query has no condition', {
      expected: `at least one, ${EXAMPLE}`,
      hint: 'without one a server would list all that it has',
    });
  }
  return parameters;
}

function parameterOf(part: string, place: number): [string, string] {
  const equals = part.indexOf('=');
  if (equals <= 0) {
    throw new ConfigError(`part ${place} of the query cannot be read`, { expected: `keyword=value, ${EXAMPLE}` });
  }
  const name = nameOf(part.slice(0, equals), place);
  let value: string;
  try {
    value = decodeURIComponent(part.slice(equals + 1));
  } catch (cause) {
    const expected = '% only before two hexadecimal digits; %25 for a percent sign';
    throw new ConfigError(`the value of ${name} in the query cannot be read`, { expected }, { cause });
  }
  if (value.trim() === '') {
    throw new ConfigError(`${name} has no value in the query`, { expected: `${name}=..., ${EXAMPLE}` });
  }
  if (name === 'includefield' && value.toLowerCase() !== 'all') {
    for (const field of value.split(',')) nameOf(field, place);
  }
  return [name, value];
}

/** A name in the form that servers accept. @throws {ConfigError} unless each part of it is a known keyword or a tag. */
function nameOf(text: string, place: number): string {
  const lower = text.toLowerCase();
  if (PARAMETERS.has(lower)) return lower;
  if (PAGING.has(lower)) {
    throw new ConfigError(`${lower} cannot be part of the query`, {
      hint: 'leave it out: all results are asked for, page by page',
    });
  }
  for (const step of text.split('.')) {
    if (KEYWORDS.includes(step) || /^[\da-f]{8}$/i.test(step)) continue;
    const meant = BY_LOWER_CASE.get(step.toLowerCase());
    throw new ConfigError(`part ${place} of the query names no attribute that studies are searched by`, {
      expected: meant ?? 'a keyword such as StudyDate, or the eight digits of a tag such as 00080020',
      hint: meant
        ? 'capital letters matter'
        : 'servers answer what they do not know with all that they have, so it is not sent',
    });
  }
  return text;
}
