/** What the page says of a file whose weights do not go into the model. */
export const modelFiles = {
  kinds: { safetensors: 'safetensors', onnx: 'ONNX', pt: 'PyTorch' },
  otherName: (name: string) => `${name} is no model: its name should end in .safetensors, .onnx or .pt.`,
  empty: 'It is empty. Save or download it once more, and load that.',
  unreadable: (kind: string) =>
    `It cannot be read as ${kind}: it may be cut off, be something else under this name, or hold more than such a net. Save or download it once more, and load that.`,
  otherNet: (lacks: readonly string[], has: readonly string[]) =>
    [
      'It is of another net.',
      ...(lacks.length > 0 ? [`This one needs ${listed(lacks)}, which the file does not have.`] : []),
      ...(has.length > 0 ? [`The file has ${listed(has)}, for which there is no place here.`] : []),
      'Load a file that was saved here, from the same kind of layer.',
    ].join(' '),
  otherSize: (name: string, there: readonly number[], here: readonly number[]) =>
    `It is of such a net in another size: “${name}” is ${sizes(there)} in the file and ${sizes(here)} here. Choose above what that net was trained with, and load it once more.`,
} as const;

function listed([first, ...others]: readonly string[]): string {
  return others.length > 0 ? `“${first}” and ${others.length} more` : `“${first}”`;
}

function sizes(shape: readonly number[]): string {
  return shape.length === 0 ? 'a single number' : shape.join(' × ');
}
