/** docs/reliability.md is written by hand, except what stands between the two marks: the classification of the recordings. */
import { classificationSection } from '../../test/support/recorded/matrix.ts';

const BEGIN = '<!-- generated: classification -->';
const END = '<!-- end -->';

/** @param page the page as it stands; throws when a mark is missing, so that it cannot be lost silently. */
export function reliabilityPage(page: string): string {
  const from = page.indexOf(BEGIN);
  const to = page.indexOf(END, from);
  if (from < 0 || to < 0) throw new Error(`docs/reliability.md has lost its mark ${from < 0 ? BEGIN : END}`);
  return `${page.slice(0, from)}${BEGIN}\n\n${classificationSection()}\n${page.slice(to)}`;
}
