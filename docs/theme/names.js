// The theme's search opens as a dialog without a name, which a screen reader would announce.
document.querySelector(".md-search[role=dialog]")?.setAttribute("aria-label", "Search");
