/** Secrets out of whole records and events: every text in them, keys too. */
type Value = null | boolean | number | string | undefined | Value[] | { [key: string]: Value };

/** The same shape with every text cleaned. Shares what has nothing to clean. */
export function withoutSecrets<T>(value: T, redact: (text: string) => string): T {
  return clean(value as Value, redact) as T;
}

function clean(value: Value, redact: (text: string) => string): Value {
  if (typeof value === 'string') return redact(value);
  if (Array.isArray(value)) return value.map((item) => clean(item, redact));
  if (typeof value !== 'object' || value === null) return value;
  const out: { [key: string]: Value } = {};
  for (const [key, item] of Object.entries(value)) out[key.length < 8 ? key : redact(key)] = clean(item, redact);
  return out;
}
