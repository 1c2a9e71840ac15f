"use strict";

// One sound at a time; a line crosses the picture while its sound plays; a click on a picture plays it.
const sounds = [...document.querySelectorAll("audio")];

for (const sound of sounds) {
  const picture = sound.closest("figure").querySelector(".picture");

  const follow = () => {
    const share = sound.duration ? sound.currentTime / sound.duration : 0;
    picture.style.setProperty("--played", share);
    picture.classList.toggle("is-playing", share > 0 && share < 1);
    if (!sound.paused) requestAnimationFrame(follow);
  };

  sound.addEventListener("play", () => {
    sounds.filter((other) => other !== sound).forEach((other) => other.pause());
    follow();
  });
  sound.addEventListener("seeked", follow);
  sound.addEventListener("ended", follow);
  picture.addEventListener("click", () => {
    if (sound.paused) sound.play().catch(() => {}); // refused when another play or pause comes first
    else sound.pause();
  });
}
