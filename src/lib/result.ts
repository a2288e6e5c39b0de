/** The outcome of work that can fail: a value, or an error that the caller must handle. Exceptions are for bugs. */
export type Result<T, E> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: E };

/** A successful outcome. */
export const ok = <T>(value: T): { readonly ok: true; readonly value: T } => ({ ok: true, value });

/** A failed outcome. */
export const err = <E>(error: E): { readonly ok: false; readonly error: E } => ({ ok: false, error });
