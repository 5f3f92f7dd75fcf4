/** Many checkboxes become one box to search in: what is chosen stands in it as chips. The checkboxes stay the form's value. */
import { element } from "./dom";

function startBox(choices: HTMLElement): void {
  const boxes = Array.from(choices.querySelectorAll<HTMLInputElement>('input[type="checkbox"]'));
  const select = element("select", { multiple: true });
  const name = choices.closest("fieldset")?.querySelector("legend")?.textContent?.trim();
  if (name) select.setAttribute("aria-label", name);
  const groups = new Map<string, HTMLOptGroupElement>();
  boxes.forEach((box) => {
    const label = box.closest("label");
    const option = new Option((label?.textContent ?? box.value).trim(), box.value, false, box.checked);
    if (label?.dataset["pinyin"]) option.dataset["pinyin"] = label.dataset["pinyin"];
    const group = label?.dataset["group"];
    if (!group) {
      select.append(option);
      return;
    }
    let parent = groups.get(group);
    if (!parent) {
      parent = element("optgroup", { label: group });
      groups.set(group, parent);
      select.append(parent);
    }
    parent.append(option);
  });
  select.addEventListener("change", () => {
    const chosen = new Set(Array.from(select.selectedOptions, (option) => option.value));
    boxes.forEach((box) => (box.checked = chosen.has(box.value)));
  });
  choices.insertAdjacentElement("beforebegin", select);
  choices.hidden = true;
}

/** Before the selects are enhanced: the box that stands for the checkboxes is one of them. */
export function startMany(root: ParentNode): void {
  root.querySelectorAll<HTMLElement>("[data-many]").forEach(startBox);
}
