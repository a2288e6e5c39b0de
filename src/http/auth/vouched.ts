/**
 * Requests that the Worker makes to its own API on behalf of a caller whom it has already let in. They are recognised
 * as objects, not by anything they contain, so no request from outside can pass for one of them.
 */
import type { Caller } from "./caller.ts";

const callers = new WeakMap<Request, Caller>();

/** Marks this request object as made by the caller. */
export const vouch = (request: Request, caller: Caller): void => {
  callers.set(request, caller);
};

/** The caller of a request that was marked by `vouch`. */
export const vouchedCaller = (request: Request): Caller | undefined => callers.get(request);
