/** `${VAR}` in an address or a header. What is filled in is a secret, whatever its name. */
const VARIABLE = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

export interface Filled {
  text: string;
  /** Variables that are not to be had. */
  missing: string[];
  /** Name → value of what was filled in. */
  secrets: Record<string, string>;
}

export function fillIn(template: string, variables: Record<string, string | undefined>): Filled {
  const missing: string[] = [];
  const secrets: Record<string, string> = {};
  const text = template.replaceAll(VARIABLE, (whole, name: string) => {
    const value = variables[name];
    if (value === undefined || value === '') {
      missing.push(name);
      return whole;
    }
    secrets[name] = value;
    return value;
  });
  return { text, missing, secrets };
}

/** Names of all variables in some texts. */
export const namesIn = (texts: string[]): string[] => [
  ...new Set(texts.flatMap((text) => [...text.matchAll(VARIABLE)].map((match) => match[1] as string))),
];
