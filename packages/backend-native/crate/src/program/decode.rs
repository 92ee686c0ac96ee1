//! A program as JavaScript writes it down (`src/compile.ts`): 64-bit floats.
use crate::arguments::Arguments;

/// What an elementwise instruction reads.
#[derive(Clone, Copy)]
pub enum Operand {
    Value(usize),
    Number(f64),
}

pub type Strides = [isize; 3];

pub enum Kind {
    Matmul { x: usize, weight: usize, transposed: bool, init: Option<usize> },
    Product { a: usize, b: usize, blocks: usize, m: usize, k: usize, n: usize, strides_a: Strides, strides_b: Strides },
    Unary { op: usize, x: Operand },
    Binary { op: usize, a: Operand, b: Operand },
    Select { condition: Operand, a: Operand, b: Operand },
    Copy { x: usize, offset: isize, sizes: Vec<usize>, strides: Vec<isize> },
    Concat { parts: Vec<usize> },
    Fill { number: f64 },
    Reduce { op: usize, x: usize, outer: usize, size: usize, inner: usize },
}

pub struct Instruction {
    pub width: usize,
    pub kind: Kind,
}

/// `program.ts` of `@rnn/core` says what the parts mean.
pub struct Program {
    pub is_float64: bool,
    pub reverse: bool,
    pub xs: Vec<usize>,
    pub carry: Vec<usize>,
    pub per_row: Vec<usize>,
    pub consts: Vec<(usize, usize)>,
    pub const_elements: Vec<usize>,
    pub body: Vec<Instruction>,
    pub carry_out: Vec<usize>,
    pub ys: Vec<usize>,
    /// Of all values.
    pub widths: Vec<usize>,
    pub first_const: usize,
    pub first: usize,
}

fn operand(words: &mut Arguments) -> Operand {
    if words.flag() { Operand::Number(words.float()) } else { Operand::Value(words.size()) }
}

fn instruction(words: &mut Arguments) -> Instruction {
    let (kind, width) = (words.size(), words.size());
    // In the order of `KINDS` in src/compile.ts.
    let kind = match kind {
        0 => {
            let (x, weight, transposed) = (words.size(), words.size(), words.flag());
            let init = words.step();
            Kind::Matmul { x, weight, transposed, init: (init >= 0).then_some(init as usize) }
        }
        1 => {
            let [a, b, blocks, m, k, n] = [(); 6].map(|()| words.size());
            let strides_a = [(); 3].map(|()| words.step());
            let strides_b = [(); 3].map(|()| words.step());
            Kind::Product { a, b, blocks, m, k, n, strides_a, strides_b }
        }
        2 => Kind::Unary { op: words.size(), x: Operand::Value(words.size()) },
        3 => Kind::Binary { op: words.size(), a: operand(words), b: operand(words) },
        4 => Kind::Select { condition: Operand::Value(words.size()), a: operand(words), b: operand(words) },
        5 => {
            let (x, offset) = (words.size(), words.step());
            let sizes = words.sizes();
            let strides = words.steps(sizes.len());
            Kind::Copy { x, offset, sizes, strides }
        }
        6 => Kind::Concat { parts: words.sizes() },
        7 => Kind::Fill { number: words.float() },
        _ => {
            let [op, x, outer, size, inner] = [(); 5].map(|()| words.size());
            Kind::Reduce { op, x, outer, size, inner }
        }
    };
    Instruction { width, kind }
}

impl Program {
    pub fn decode(mut words: Arguments) -> Program {
        let words = &mut words;
        let (is_float64, reverse) = (words.flag(), words.flag());
        let (xs, carry, per_row) = (words.sizes(), words.sizes(), words.sizes());
        let consts: Vec<(usize, usize)> = (0..words.size()).map(|_| (words.size(), words.size())).collect();
        let body: Vec<Instruction> = (0..words.size()).map(|_| instruction(words)).collect();
        let (carry_out, ys) = (words.sizes(), words.sizes());
        let first_const = xs.len() + carry.len() + per_row.len();
        let first = first_const + consts.len();
        let widths = xs
            .iter()
            .chain(&carry)
            .chain(&per_row)
            .copied()
            .chain(consts.iter().map(|shape| shape.1))
            .chain(body.iter().map(|instruction| instruction.width))
            .collect();
        let const_elements = consts.iter().map(|shape| shape.0 * shape.1).collect();
        Program { is_float64, reverse, xs, carry, per_row, consts, const_elements, body, carry_out, ys, widths, first_const, first }
    }

    pub fn instruction(&self, value: usize) -> Option<&Instruction> {
        value.checked_sub(self.first).map(|i| &self.body[i])
    }

    pub fn is_const(&self, value: usize) -> bool {
        value >= self.first_const && value < self.first
    }

    /// Features of `x` as they lie there, read in place.
    pub fn range(&self, value: usize) -> Option<(usize, isize)> {
        match &self.instruction(value)?.kind {
            Kind::Copy { x, offset, sizes, strides } if sizes.len() == 1 && (strides[0] == 1 || sizes[0] == 1) => Some((*x, *offset)),
            _ => None,
        }
    }

    /// Whether a feature of the result needs the same feature of the operands, or one that stands for all.
    pub fn is_elementwise(&self, value: usize) -> bool {
        let Some(instruction) = self.instruction(value) else { return false };
        match &instruction.kind {
            Kind::Unary { .. } | Kind::Binary { .. } | Kind::Select { .. } | Kind::Fill { .. } => true,
            Kind::Copy { x, .. } => instruction.width > 1 && self.widths[*x] == 1,
            _ => false,
        }
    }

    /// The values that an instruction reads.
    pub fn operands(&self, value: usize) -> Vec<usize> {
        let values =
            |list: &[Operand]| list.iter().filter_map(|x| if let Operand::Value(value) = x { Some(*value) } else { None }).collect();
        let Some(instruction) = self.instruction(value) else { return Vec::new() };
        match &instruction.kind {
            Kind::Matmul { x, weight, init, .. } => [Some(*x), Some(*weight), *init].into_iter().flatten().collect(),
            Kind::Product { a, b, .. } => vec![*a, *b],
            Kind::Unary { x, .. } => values(&[*x]),
            Kind::Binary { a, b, .. } => values(&[*a, *b]),
            Kind::Select { condition, a, b } => values(&[*condition, *a, *b]),
            Kind::Copy { x, .. } | Kind::Reduce { x, .. } => vec![*x],
            Kind::Concat { parts } => parts.clone(),
            Kind::Fill { .. } => Vec::new(),
        }
    }
}
