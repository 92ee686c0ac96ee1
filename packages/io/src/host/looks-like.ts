/** By their first bytes: files that are often taken for models, and what to do with them. */
const starts: readonly (readonly [start: string, kind: string])[] = [
  ['PK\x03\x04', 'a zip, as torch.save writes it, which readPyTorch reads'],
  ['\x80\x02\x8a\n', 'a file of PyTorch, which readPyTorch reads'],
  ['<', 'a web page, as a server gives it that does not have the file'],
  ['version https://git-lfs', 'a pointer of Git LFS; `git lfs pull` gets the file'],
  ['\x89HDF', 'HDF5, as Keras writes it; export the model as ONNX'],
  ['\x93NUMPY', 'an array of NumPy'],
  ['\x1f\x8b', 'compressed by gzip; unpack it first'],
  ['\x80', 'a pickle that torch.save did not write'],
];

/**
 * What a file is that is not what it was taken for; nothing where that cannot be told.
 *
 * @param reader - that cannot read it: a file that begins as its own do is a broken one of them
 */
export function looksLike(bytes: Uint8Array, reader: string): string | undefined {
  const kind = kindOf(bytes);
  return kind?.endsWith(`which ${reader} reads`) ? undefined : kind;
}

function kindOf(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return 'empty';
  const text = String.fromCharCode(...bytes.subarray(0, 64));
  // Eight bytes of a length, then a header in JSON.
  if (/^[^]{5}\0{3}\{"/.test(text)) return 'safetensors, which readSafetensors reads';
  const known = starts.find(([start]) => text.startsWith(start));
  if (known !== undefined) return known[1];
  return bytes[0] === 8 && text.includes('\x12') ? 'perhaps an ONNX model, which readOnnx reads' : undefined;
}
