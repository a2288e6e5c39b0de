import { describe, expect, it } from "vitest";
import { fromHex, sha256, sha256Hex, toHex, utf8 } from "../../src/lib/bytes.ts";

/** The digest of FIPS 180-2, appendix B.1, and that of an empty text. */
const digests: readonly (readonly [string, string])[] = [
  ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
  ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
];

describe("bytes", () => {
  it.each(digests)("SHA-256 of %j", async (text, hex) => {
    expect(await sha256Hex(text)).toBe(hex);
    expect(await sha256(text)).toEqual(fromHex(hex));
  });

  it("are written with two hexadecimal digits each, and read back", () => {
    expect(toHex(new Uint8Array([0, 15, 16, 255]))).toBe("000f10ff");
    expect(fromHex("000f10ff")).toEqual(new Uint8Array([0, 15, 16, 255]));
  });

  it("encode text as UTF-8", () => {
    expect(utf8("é€")).toEqual(new Uint8Array([0xc3, 0xa9, 0xe2, 0x82, 0xac]));
  });
});
