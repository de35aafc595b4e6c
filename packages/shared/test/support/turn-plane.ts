import { toStored, type Turn, turnSize } from '../../geometry/canonical-orientation.ts';
import { pixelToPatient, type SlicePlane, subtract, type Vec3 } from '../../geometry/slice-plane.ts';

/** Size and position of a slice after a turn. Every pixel keeps its position in the patient. */
export function turnPlane(plane: SlicePlane, turn: Turn): SlicePlane {
  const { rows, columns } = turnSize(plane, turn);
  const at = (x: number, y: number): Vec3 => {
    const stored = toStored(plane, turn, { x, y });
    return pixelToPatient(plane, stored.x, stored.y);
  };
  const spacing: [number, number] = turn.transpose ? [plane.spacing[1], plane.spacing[0]] : [...plane.spacing];
  const position = at(0, 0);
  const along = (point: Vec3, mm: number) =>
    subtract(point, position).map((value) => value / mm) as [number, number, number];
  return {
    rows,
    columns,
    position,
    orientation: [...along(at(1, 0), spacing[1]), ...along(at(0, 1), spacing[0])],
    spacing,
  };
}
