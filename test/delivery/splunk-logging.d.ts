/** What the tests use of splunk-logging, which has no types of its own. */
declare module "splunk-logging" {
  export class Logger {
    constructor(config: { token: string; url: string; maxRetries: number; batchInterval: number });
    error: (error: Error) => void;
    eventFormatter: (message: unknown) => unknown;
    send(
      context: { message: unknown; metadata?: object },
      callback: (error: Error | null, response: unknown, body: { code: number; text: string }) => void,
    ): void;
  }
}
