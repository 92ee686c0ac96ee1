/** A file of the safetensors format from the text of its header and its data. */
function safetensorsBytes(header: string, data: Uint8Array): Uint8Array {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}

/** A reference case: metadata, and float32 tensors (or, for whole numbers, int32 ones) by name. */
export function caseBytes(
  group: string,
  config: unknown,
  tensors: Readonly<Record<string, readonly [shape: readonly number[], data: readonly number[], dtype?: 'I32']>>,
): Uint8Array {
  const entries: Record<string, unknown> = { __metadata__: { group, config: JSON.stringify(config) } };
  const pieces: Uint8Array[] = [];
  let end = 0;
  for (const [name, [shape, data, dtype]] of Object.entries(tensors)) {
    const numbers = dtype === 'I32' ? Int32Array.from(data) : Float32Array.from(data);
    pieces.push(new Uint8Array(numbers.buffer));
    entries[name] = { dtype: dtype ?? 'F32', shape, data_offsets: [end, (end += numbers.byteLength)] };
  }
  const all = new Uint8Array(end);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return safetensorsBytes(JSON.stringify(entries), all);
}
