/** The oldest Node that tutti runs on, as in package.json. Host-safe. */
export const NODE_MINIMUM = '20.19.0';
