/** Secrets in text: known values and common token forms become `«secret:NAME»`. Line by line, safe inside JSON. Host-safe. */
import type { SecretText } from '../supervisor/ports.ts';
import { SECRET_MIN_LENGTH } from './environment.ts';

/**
 * Token forms that are secrets wherever they stand. A token begins behind anything but a letter or digit; in a raw JSON line
 * it may also stand right behind an escape such as `\n`.
 */
const FORMS = {
  'anthropic-key': 'sk-ant-[A-Za-z0-9_-]{16,}',
  'openai-key': 'sk-(?=[A-Za-z_-]{0,64}[0-9])[A-Za-z0-9_-]{20,}',
  'github-token': 'gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{22,}',
  'aws-key-id': '(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])',
  'slack-token': 'xox[abeoprs]-[A-Za-z0-9-]{10,}',
  'google-key': 'AIza[A-Za-z0-9_-]{35}',
} as const;

const FORM_NAMES = Object.keys(FORMS);
const FORM_PATTERN = new RegExp(
  `(?:(?<![A-Za-z0-9])|(?<=\\\\[nrtbf])|(?<=\\\\u[0-9a-fA-F]{4}))(?:${Object.values(FORMS)
    .map((form) => `(${form})`)
    .join('|')})`,
  'g',
);

interface Known {
  name: string;
  value: string;
}

/**
 * Replaces these values (longest first, also as they look inside a JSON string and a URL) and the common token forms.
 * Values shorter than 8 characters are ignored.
 * @param secrets value by name, as in the `secrets` of env/<id>.json
 */
export function secretText(secrets: Record<string, string>): SecretText {
  const known = spellings(secrets);
  return {
    redact(text) {
      let clean = text;
      for (const { name, value } of known) {
        if (clean.includes(value)) clean = clean.replaceAll(value, () => `«secret:${name}»`);
      }
      return clean.replace(FORM_PATTERN, (_token, ...groups) => `«secret:${formName(groups)}»`);
    },
    find(text) {
      const hit = known.find(({ value }) => text.includes(value));
      if (hit) return hit.name;
      FORM_PATTERN.lastIndex = 0;
      const form = FORM_PATTERN.exec(text);
      return form ? formName(form.slice(1)) : null;
    },
  };
}

/** Which of the pattern's groups matched. */
function formName(groups: unknown[]): string {
  const index = FORM_NAMES.findIndex((_, i) => typeof groups[i] === 'string');
  return FORM_NAMES[index] ?? 'token';
}

/** Every way in which a value is spelled in what we read, longest first so that a part never hides the whole. */
function spellings(secrets: Record<string, string>): Known[] {
  const known = new Map<string, string>();
  for (const [name, value] of Object.entries(secrets)) {
    if (value.length < SECRET_MIN_LENGTH) continue;
    const inJson = JSON.stringify(value).slice(1, -1);
    // JSON inside JSON: a tool result that quotes a file, in a protocol line.
    const inJsonTwice = JSON.stringify(inJson).slice(1, -1);
    // Through a buffer: a lone surrogate would make encodeURIComponent throw.
    for (const spelling of [value, inJson, inJsonTwice, encodeURIComponent(Buffer.from(value).toString())]) {
      if (!known.has(spelling)) known.set(spelling, name);
    }
  }
  return [...known].map(([value, name]) => ({ name, value })).sort((a, b) => b.value.length - a.value.length);
}
