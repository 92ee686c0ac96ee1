const letters = new TextEncoder().encode('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');

/** Bytes as text, without padding. */
export function base64Of(bytes: Uint8Array): string {
  const text = new Uint8Array(Math.ceil(bytes.length / 3) * 4);
  for (let i = 0, at = 0; i < bytes.length; i += 3, at += 4) {
    // Past the end there is undefined, whose bits are 0.
    const bits = (bytes[i] << 16) | (bytes[i + 1] << 8) | bytes[i + 2];
    text[at] = letters[bits >> 18];
    text[at + 1] = letters[(bits >> 12) & 63];
    text[at + 2] = letters[(bits >> 6) & 63];
    text[at + 3] = letters[bits & 63];
  }
  return new TextDecoder().decode(text.subarray(0, Math.ceil((bytes.length * 4) / 3)));
}
