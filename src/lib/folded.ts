/** Text without case and accents, for comparing what people type. In upper case `ß` is `SS`, too. */
export const folded = (text: string | null): string =>
  (text ?? "")
    .normalize("NFD")
    .replaceAll(/[\u0300-\u036f]/g, "")
    .toUpperCase();
