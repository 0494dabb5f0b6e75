// Offers the zone of this device where nobody chose one yet.
const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
for (const field of document.querySelectorAll("select[data-guess-zone]")) {
  const has = [...field.options].some((option) => option.value === own);
  if (has && field.value === "UTC" && !field.form.querySelector("[aria-invalid]")) field.value = own;
}
