// How high each row is and where it begins, summed up in blocks: none of it takes time that grows with every row.

const BLOCK = 256;

export class Heights {
  #rows = [];
  #blocks = [];

  get total() {
    return this.#blocks.reduce((sum, block) => sum + block, 0);
  }

  push(height) {
    const block = Math.floor(this.#rows.length / BLOCK);
    this.#blocks[block] = (this.#blocks[block] ?? 0) + height;
    this.#rows.push(height);
  }

  // Answers by how much the row is higher than it was taken to be.
  set(row, height) {
    const more = height - this.#rows[row];
    this.#rows[row] = height;
    this.#blocks[Math.floor(row / BLOCK)] += more;
    return more;
  }

  // Where a row begins.
  offset(row) {
    const block = Math.floor(row / BLOCK);
    let sum = 0;
    for (let at = 0; at < block; at += 1) sum += this.#blocks[at];
    for (let at = block * BLOCK; at < row; at += 1) sum += this.#rows[at];
    return sum;
  }

  // The row at that height; the last where it is below all.
  find(height) {
    let block = 0;
    let left = height;
    while (block < this.#blocks.length - 1 && left >= this.#blocks[block]) left -= this.#blocks[block++];
    let row = block * BLOCK;
    while (row < this.#rows.length - 1 && left >= this.#rows[row]) left -= this.#rows[row++];
    return Math.max(0, row);
  }
}
