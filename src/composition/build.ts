/** What the build writes into the program. */
declare const TUTTI_VERSION: string | undefined;
declare const TUTTI_BUILD: string | undefined;

export const VERSION: string = typeof TUTTI_VERSION === 'string' ? TUTTI_VERSION : '0.0.0-source';
/** Same sources, same id. */
export const BUILD: string = typeof TUTTI_BUILD === 'string' ? TUTTI_BUILD : 'source';
