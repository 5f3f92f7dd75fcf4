/**
 * Initial letters of Chinese text, from the browser's own pinyin collation: each letter begins at a known character.
 * Used only where the server sent no data-pinyin; characters with several readings get their usual one.
 */
const FIRST = "阿八嚓哒妸发旮哈讥咔垃痳拏噢妑七呥仨他屲夕丫帀";
const LETTERS = "abcdefghjklmnopqrstwxyz";

const order = new Intl.Collator("zh-Hans-CN-u-co-pinyin");
const works = order.compare("阿", "八") < 0 && order.compare("中", "国") > 0;

function initial(character: string): string {
  if (!/\p{Script=Han}/u.test(character)) return /[a-z0-9]/i.test(character) ? character.toLowerCase() : "";
  if (!works) return "";
  for (let index = FIRST.length - 1; index >= 0; index -= 1) {
    if (order.compare(character, FIRST.charAt(index)) >= 0) return LETTERS.charAt(index);
  }
  return "";
}

export function initials(words: string): string {
  return Array.from(words, initial).join("");
}
