/** Ends the start: its message is told as it stands, and the exit code is 1. */
export class Failure extends Error {
  override readonly name = "Failure";
}
