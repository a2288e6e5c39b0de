// zod without its messages in other languages, for the bundle alone. @hono/zod-openapi hands the whole of zod on as a value,
// so the bundler cannot leave out what nobody uses: 257 KiB of 47 languages, a tenth of what is uploaded. The lists are those of
// zod's own index files without `locales`; test/bundle.node.test.ts compares them.
import * as z from "./classic.js";

export * from "./classic.js";
export { z, z as default };
