// Registers what the pages of django-unfold look for among the globals, which Alpine's build for a strict
// Content Security Policy does not read.
"use strict";

document.addEventListener("alpine:init", () => {
  const sidebar = "sidebarDesktopOpen";
  Object.entries({ theme, searchForm, searchDropdown, searchCommand }).forEach(([name, make]) =>
    Alpine.data(name, make),
  );
  Alpine.data("page", (tab) => ({
    activeTab: (tab && getCurrentTab()) || tab,
    sidebarMobileOpen: false,
    sidebarDesktopOpen: localStorage.getItem(sidebar) !== "0",
    toggleSidebar() {
      this.sidebarDesktopOpen = !this.sidebarDesktopOpen;
      localStorage.setItem(sidebar, this.sidebarDesktopOpen ? "1" : "0");
    },
    window: { location: { pathname: location.pathname, search: location.search } },
  }));
});

// Two scrolling regions of a page would have the same name.
window.addEventListener("load", () => {
  document.querySelector("#nav-sidebar-apps .simplebar-content-wrapper")?.setAttribute("aria-label", "Navigation");
});

// The zone of the browser, for operators who have chosen none.
document.cookie = `shop_zone=${Intl.DateTimeFormat().resolvedOptions().timeZone};path=/admin/;max-age=31536000;samesite=lax`;
