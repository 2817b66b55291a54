import assert from "node:assert/strict";
import { test } from "node:test";
import { matching } from "../src/views/solve/problem-list";

const problem = (title: string, difficulty: string, tags: string[], solved = false) => ({ task_id: title, title, difficulty, tags, solved });
const PROBLEMS = [problem("Maze", "hard", ["grids"]), problem("Coins", "easy", ["lists", "numbers"], true), problem("Odd", "", ["numbers"])];
const ALL = { words: "", difficulty: "", topic: "", hidesSolved: false };
const titles = (part: object) => matching(PROBLEMS, { ...ALL, ...part }).map((each) => each.title);

test("the easy ones come first, unrated ones last", () => assert.deepEqual(titles({}), ["Coins", "Maze", "Odd"]));

test("every word must be there, in title or topics, whatever its case", () => {
  assert.deepEqual(titles({ words: "NUMB coi" }), ["Coins"]);
  assert.deepEqual(titles({ words: "maze numbers" }), []);
});

test("difficulty, topic and solved ones narrow the list", () => {
  assert.deepEqual(titles({ difficulty: "hard" }), ["Maze"]);
  assert.deepEqual(titles({ topic: "numbers" }), ["Coins", "Odd"]);
  assert.deepEqual(titles({ hidesSolved: true }), ["Maze", "Odd"]);
});
