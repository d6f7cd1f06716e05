// Keeps an order's page up to date: asks for what changed, and swaps only the parts that did.

import {localise} from "./shop.js";

const root = document.querySelector("[data-live]");
const announcement = document.querySelector("[data-announce]");
const connection = document.querySelector("[data-connection]");
const SLOWEST = 15000;  // milliseconds between two looks, however long nothing happens
const PATIENCE = 30;    // looks without news until they become rarer
const drawn = new Map();  // part -> its HTML as the server sent it
let etag = "";
let quiet = 0;
let failures = 0;
let timer = 0;
let asking = false;

const parts = (tree) => tree.querySelectorAll("[data-part]");
const journey = () => root.querySelector(".journey");
const rhythm = () => Number(journey().dataset.lookAgain);

function remember(tree) {
  for (const part of parts(tree)) drawn.set(part.dataset.part, part.outerHTML);
}

function swap(part) {
  const name = part.dataset.part;
  if (drawn.get(name) === part.outerHTML) return;
  const old = root.querySelector(`[data-part="${name}"]`);
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  drawn.set(name, part.outerHTML);
  localise(part.querySelectorAll("time"));
  old.replaceWith(part);
  if (focused) refocus(part, focused);
}

// The focus stays where it was, or else on the heading of what was swapped.
function refocus(part, focused) {
  const heading = part.querySelector("h2");
  heading.tabIndex = -1;
  (focused.id && document.getElementById(focused.id) || heading).focus({preventScroll: true});
}

function show(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html");
  const headline = fresh.querySelector("[data-headline]").textContent;
  const isNew = headline !== root.querySelector("[data-headline]").textContent;
  journey().dataset.lookAgain = fresh.querySelector(".journey").dataset.lookAgain;
  for (const part of [...parts(fresh)]) swap(document.adoptNode(part));
  if (isNew) announcement.textContent = headline;
}

function next() {
  clearTimeout(timer);
  if (document.hidden || !rhythm()) return;  // unseen or over
  const slower = Math.max(1.3 ** failures, quiet > PATIENCE ? 1.2 ** (quiet - PATIENCE) : 1);
  timer = setTimeout(look, Math.min(rhythm() * slower, Math.max(SLOWEST, rhythm())));
}

async function look() {
  if (asking) return;
  asking = true;
  try {
    const headers = etag ? {"If-None-Match": etag} : {};
    const options = {headers, cache: "no-store", redirect: "manual", signal: AbortSignal.timeout(10000)};
    const answer = await fetch(root.dataset.live, options);
    if (answer.type === "opaqueredirect" || answer.status === 404) { location.reload(); return; }  // logged out
    if (answer.status === 304) quiet += 1;
    else if (answer.ok) { etag = answer.headers.get("ETag"); quiet = 0; show(await answer.text()); }
    else throw new Error(answer.statusText);
    failures = 0;
    connection.textContent = "";
  } catch {
    failures += 1;
    if (failures > 2) connection.textContent = "The shop cannot be reached at the moment; this page goes on trying.";
  } finally {
    asking = false;
  }
  next();
}

document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  quiet = 0;
  if (!document.hidden && rhythm()) look();
});

remember(root);
localise(root.querySelectorAll("time"));
next();
