/**
 * Requests that the Worker makes to its own API for somebody whom it let in already. A request from outside is
 * another object, so nothing that is sent can pass for one of these.
 */
import type { Caller } from "./caller.ts";

const callers = new WeakMap<Request, Caller>();

/** Lets this very request pass as the caller's. */
export const vouch = (request: Request, caller: Caller): void => {
  callers.set(request, caller);
};

export const vouchedCaller = (request: Request): Caller | undefined => callers.get(request);
