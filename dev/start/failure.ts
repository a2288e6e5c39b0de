/** Ends `npm start` with exit code 1. Its message is shown as it is. */
export class Failure extends Error {
  override readonly name = "Failure";
}
