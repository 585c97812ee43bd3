// Calls functions of a module as the lines of a file say, such as "catch_each 2 = 1002", and prints
// the lines with the results that V8 comes to. Usage: node v8.mjs module.wasm calls.txt
import { readFileSync } from "node:fs";

const [, , wasm, calls] = process.argv;
const text = value => Array.isArray(value) ? value.map(text).join(" ") : String(value);
let tags;
const call = x => {
  if (x % 2 !== 0) throw new WebAssembly.Exception(tags.a, [x]);
  return x * 10;
};
const { instance } = await WebAssembly.instantiate(readFileSync(wasm), { host: { call } });
tags = { a: instance.exports.a };
const sizes = { none: 0, a: 1, b: 2, f: 3, v: 0 }; // values of v128 cannot be had
for (const line of readFileSync(calls, "utf8").split("\n")) {
  if (line === "" || line.startsWith("#")) {
    if (line !== "") console.log(line);
    continue;
  }
  const [name, ...given] = line.split("=")[0].trim().split(" ");
  let result;
  try {
    result = text(instance.exports[name](...given.map(Number)));
  } catch (e) {
    if (e instanceof WebAssembly.Exception) {
      const tag = Object.keys(sizes).find(tag => e.is(instance.exports[tag]));
      const values = tag === undefined ? [] : Array.from({ length: sizes[tag] }, (_, i) => e.getArg(instance.exports[tag], i));
      result = ["throws", tag ?? "another", ...values.map(text)].join(" ");
    } else if (e instanceof WebAssembly.RuntimeError || e instanceof RangeError) {
      const traps = {
        "unreachable": "unreachable", "divide by zero": "integer divide by zero",
        "memory access out of bounds": "out of bounds memory access", "null function or function signature mismatch": "uninitialized element",
        "table index is out of bounds": "undefined element", "Maximum call stack size exceeded": "call stack exhausted",
      };
      result = "traps " + (traps[e.message] ?? e.message);
    } else {
      throw e;
    }
  }
  console.log([name, ...given].join(" ") + " = " + result);
}
