/**
 * Lets a route return a response whose body is already text: NDJSON, or an event as it is stored. Parsing such a body
 * only to give it a type would cost time, and the route types do not know NDJSON. Tests check that the bodies fit the
 * schemas. The type `never` is accepted where a typed response is expected.
 */
export const raw = (response: Response): never => response as never;
