/**
 * ONNX models of one element-wise operation, written byte by byte: input `x` and output `y` are float32 [batch, width].
 * Source of the field numbers: onnx.proto3 of the ONNX project.
 */

/**
 * The bytes of a model that computes y = op(x).
 *
 * @param op an operator of ONNX opset 13 with one input, such as `Neg`, `Relu`, `Log`.
 * @param width of a sample, fixed in the graph; the batch is free.
 */
export function tinyModel(op: string, width: number): Uint8Array {
  const node = message(text(1, 'x'), text(2, 'y'), text(4, op));
  const graph = message(
    field(1, node),
    text(2, `tiny-${op}`),
    field(11, valueInfo('x', width)),
    field(12, valueInfo('y', width)),
  );
  const opset = message(text(1, ''), varintField(2, 13));
  return message(varintField(1, 8), field(7, graph), field(8, opset));
}

const FLOAT = 1;

function valueInfo(name: string, width: number): Uint8Array {
  const shape = message(field(1, text(2, 'batch')), field(1, varintField(1, width)));
  return message(text(1, name), field(2, field(1, message(varintField(1, FLOAT), field(2, shape)))));
}

function message(...fields: Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(fields));
}

function field(number: number, content: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from([(number << 3) | 2]), varint(content.length), content]);
}

function text(number: number, value: string): Uint8Array {
  return field(number, Buffer.from(value));
}

function varintField(number: number, value: number): Uint8Array {
  return Buffer.concat([Buffer.from([number << 3]), varint(value)]);
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...bytes, rest]);
    bytes.push((rest & 0x7f) | 0x80);
  }
}
