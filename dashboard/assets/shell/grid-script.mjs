// The script of AG Grid, which only pages with such a table fetch, and how its tables look.

/** @type {Promise<unknown> | null} */
let script = null;

/** Fetch the script once; done when it is there, or when it cannot be had: Dash then says why in its place. */
export function gridScript() {
  script ??= new Promise((resolve) => {
    const made = document.createElement("script");
    made.src = document.documentElement.dataset.grid ?? "";
    made.addEventListener("load", resolve);
    made.addEventListener("error", resolve);
    document.head.append(made);
  });
  return script;
}

/** @param {any} agGrid */
export const gridTheme = (agGrid) =>
  agGrid.themeQuartz.withParams({
    backgroundColor: "var(--card)", foregroundColor: "var(--ink)", textColor: "var(--ink)", headerTextColor: "var(--ink2)", headerBackgroundColor: "var(--card)",
    chromeBackgroundColor: "var(--card)", borderColor: "var(--line)", accentColor: "var(--focus)", rowHoverColor: "var(--hover)", selectedRowBackgroundColor: "var(--sel)",
    oddRowBackgroundColor: "var(--card)", checkboxUncheckedBorderColor: "var(--ink3)", checkboxCheckedBackgroundColor: "var(--ink)", checkboxCheckedShapeColor: "var(--invert)",
    checkboxCheckedBorderColor: "var(--ink)", checkboxIndeterminateBackgroundColor: "var(--ink)", checkboxIndeterminateShapeColor: "var(--invert)", checkboxIndeterminateBorderColor: "var(--ink)",
    fontFamily: "inherit", fontSize: 13, headerFontSize: 12, headerFontWeight: 500, cellHorizontalPadding: 10, wrapperBorder: false, wrapperBorderRadius: 0, rowHeight: 44, headerHeight: 34,
    focusShadow: "none", rangeSelectionBorderColor: "var(--focus)", iconColor: "var(--ink2)", browserColorScheme: "inherit",
  });

globalThis.dashAgGridFunctions = { ...globalThis.dashAgGridFunctions, blocklineTheme: gridTheme };
