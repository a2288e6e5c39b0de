/**
 * An answer whose body is text already: NDJSON, or an event as it is stored. Parsing it again only to type it
 * would cost time, and the route types have no place for NDJSON; that the bodies fit the schemas is for tests
 * to show. `never` is what lets it stand where a typed answer is wanted.
 */
export const raw = (response: Response): never => response as never;
