/**
 * Writes ONNX models of a few operations byte by byte. Source of the field numbers: onnx.proto3 of the ONNX project.
 */

/** Dimensions of a tensor; a name stands for a free dimension. */
export type Dims = readonly (number | string)[];

interface Value {
  readonly name: string;
  readonly dims: Dims;
}

export interface Node {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly output: string;
  /** Whole numbers and lists of them. */
  readonly attributes?: Readonly<Record<string, number | readonly number[]>>;
}

/** A constant, float32. */
export interface Constant {
  readonly name: string;
  readonly dims: readonly number[];
  readonly data: ArrayLike<number>;
}

/**
 * The bytes of a model that computes y = op(x), float32 [batch, width] both.
 *
 * @param op an operator of ONNX opset 13 with one input, such as `Neg`, `Relu`, `Log`.
 * @param width of a sample, fixed in the graph; the batch is free.
 */
export function tinyModel(op: string, width: number): Uint8Array {
  const dims = ['batch', width];
  return onnxModel([{ name: 'x', dims }], { name: 'y', dims }, [{ op, inputs: ['x'], output: 'y' }]);
}

/** The depth that {@link meanDepthModel} adds to, as a fraction of the volume's. */
export const MEAN_DEPTH_BASE = 0.25;

/**
 * A `reg` member of stage 1 that gives a fixed point and depth. To z it adds `gain` times the mean of the volume or,
 * with a `threshold`, `gain` if the mean is above it.
 *
 * @param outputs levels or foramina.
 */
export function meanDepthModel(
  outputs: number,
  [height, width]: readonly [number, number],
  slices: number,
  { gain, threshold }: { gain: number; threshold?: number },
): Uint8Array {
  const repeated = (point: readonly number[]) => Array.from({ length: outputs }, () => point).flat();
  const nodes: Node[] = [
    { op: 'ReduceMean', inputs: ['volume'], output: 'by-slice', attributes: { axes: [3, 4], keepdims: 0 } },
    { op: 'ReduceMean', inputs: ['by-slice'], output: 'mean', attributes: { axes: [2], keepdims: 1 } },
    { op: 'Greater', inputs: ['mean', 'threshold'], output: 'above' },
    { op: 'Cast', inputs: ['above'], output: 'step', attributes: { to: FLOAT } },
    { op: 'Mul', inputs: [threshold === undefined ? 'mean' : 'step', 'gain'], output: 'more' },
    { op: 'Add', inputs: ['more', 'base'], output: 'coordinates' },
  ];
  return onnxModel(
    [{ name: 'volume', dims: ['batch', 1, slices, height, width] }],
    { name: 'coordinates', dims: ['batch', outputs, 3] },
    nodes,
    [
      { name: 'threshold', dims: [1], data: [threshold ?? 0] },
      { name: 'gain', dims: [1, outputs, 3], data: repeated([0, 0, gain]) },
      { name: 'base', dims: [1, outputs, 3], data: repeated([0.5, 0.5, MEAN_DEPTH_BASE]) },
    ],
  );
}

/** The bytes of a model of these operations, float32 throughout. */
export function onnxModel(
  inputs: readonly Value[],
  output: Value,
  nodes: readonly Node[],
  constants: readonly Constant[] = [],
): Uint8Array {
  const graph = message(
    ...nodes.map((node) => field(1, nodeProto(node))),
    text(2, 'tiny'),
    ...constants.map((constant) => field(5, tensorProto(constant))),
    ...inputs.map((input) => field(11, valueInfo(input))),
    field(12, valueInfo(output)),
  );
  const opset = message(text(1, ''), varintField(2, 13));
  return message(varintField(1, 8), field(7, graph), field(8, opset));
}

const FLOAT = 1;
const INT_ATTRIBUTE = 2;
const INTS_ATTRIBUTE = 7;

function nodeProto({ op, inputs, output, attributes = {} }: Node): Uint8Array {
  const proto = Object.entries(attributes).map(([name, value]) =>
    typeof value === 'number'
      ? message(text(1, name), varintField(3, value), varintField(20, INT_ATTRIBUTE))
      : message(text(1, name), ...value.map((one) => varintField(8, one)), varintField(20, INTS_ATTRIBUTE)),
  );
  return message(
    ...inputs.map((name) => text(1, name)),
    text(2, output),
    text(4, op),
    ...proto.map((one) => field(5, one)),
  );
}

function tensorProto({ name, dims, data }: Constant): Uint8Array {
  const raw = Buffer.from(Float32Array.from(data).buffer);
  return message(...dims.map((one) => varintField(1, one)), varintField(2, FLOAT), text(8, name), field(9, raw));
}

function valueInfo({ name, dims }: Value): Uint8Array {
  const shape = message(...dims.map((one) => field(1, typeof one === 'number' ? varintField(1, one) : text(2, one))));
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
  return Buffer.concat([varint(number << 3), varint(value)]);
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...bytes, rest]);
    bytes.push((rest & 0x7f) | 0x80);
  }
}
