/** Collects the problems of scanned studies and series until their entries are made. */

import type { Problem } from '../study-entry.ts';

export class FoundProblems {
  readonly #studies = new Map<number, Problem[]>();
  readonly #series = new Map<number, Map<string, Problem[]>>();

  /** @param place index of the study among those that were found. */
  addToStudy(place: number, ...problems: readonly Problem[]): void {
    this.#studies.set(place, [...this.ofStudy(place), ...problems]);
  }

  addToSeries(place: number, series: string, ...problems: readonly Problem[]): void {
    const ofStudy = this.#series.get(place) ?? new Map<string, Problem[]>();
    this.#series.set(place, ofStudy);
    ofStudy.set(series, [...(ofStudy.get(series) ?? []), ...problems]);
  }

  /** Empty if there is none. */
  ofStudy(place: number): readonly Problem[] {
    return this.#studies.get(place) ?? [];
  }

  ofSeries(place: number, series: string): readonly Problem[] {
    return this.#series.get(place)?.get(series) ?? [];
  }
}
