const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Bytes as text, without padding. */
export function base64Of(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let i = 0; i < bytes.length; i += 3) {
    // Past the end there is undefined, whose bits are 0.
    const bits = (bytes[i] << 16) | (bytes[i + 1] << 8) | bytes[i + 2];
    parts.push(letters[bits >> 18], letters[(bits >> 12) & 63], letters[(bits >> 6) & 63], letters[bits & 63]);
  }
  const rest = bytes.length % 3;
  return parts.join('').slice(0, rest === 0 ? undefined : rest - 3);
}
