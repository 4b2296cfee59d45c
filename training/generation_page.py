"""The blind test: one HTML page on which a person says of movements whether they are real, and what they express.

The page needs nothing but itself: movements are in it, rounded to a centimetre; it writes a CSV file by download and
sends nothing anywhere. Which is which is told only in that file.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Final

import numpy as np

from ..engine.body import BODY
from .motion_data import EMOTIONS, GeneratedTake

_STEP_M: Final = 0.01


def blind_page(real: Sequence[GeneratedTake], made: Sequence[GeneratedTake], seed: int = 0) -> str:
    """Return the page; real and made takes come in an order drawn by the seed, half of the heads turned about."""
    every = [(take, "real") for take in real] + [(take, take.model or "generated") for take in made]
    order = np.random.default_rng(seed).permutation(len(every))
    trials = [_trial(*every[i]) for i in order]
    said = {"bones": BODY.edges, "emotions": EMOTIONS, "trials": trials, "step": _STEP_M}
    data = json.dumps(said, separators=(",", ":")).replace("<", "\\u003c")
    return _PAGE.replace("/*DATA*/", data)


def _trial(take: GeneratedTake, kind: str) -> dict[str, object]:
    """Return a take as the page holds it: positions from where it begins, in centimetres as 16-bit numbers."""
    start = take.positions[0, 0] * np.array([1, 0, 1], dtype=np.float32)
    whole = np.clip(np.round((take.positions - start) / _STEP_M), -32000, 32000).astype("<i2")
    return {
        "kind": kind,
        "emotion": take.emotion,
        "seed": take.seed,
        "rate": take.rate_hz,
        "frames": len(whole),
        "data": base64.b64encode(whole.tobytes()).decode("ascii"),
    }


_PAGE: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'">
<title>Real or generated?</title>
<style>
body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:1.5rem auto;padding:0 1rem;color:#222;background:#fff}
canvas{width:100%;height:auto;border:1px solid #ddd;border-radius:6px;touch-action:none}
fieldset{border:0;padding:.4rem 0;margin:0}legend{font-weight:600}label{margin-right:1rem;white-space:nowrap}
button{font:inherit;padding:.45rem 1.1rem;margin:.4rem .5rem .4rem 0}.note{color:#555}
</style>
<h1>Real or generated?</h1>
<p class="note">Every movement lasts about two seconds and repeats. Some were recorded, some were made by a machine.
Say which, and what the body seems to express. Drag on the picture to look from elsewhere. Nothing leaves this page but
the file that you save at the end.</p>
<p id="at" role="status"></p>
<canvas id="stage" width="900" height="560" role="img" aria-label="A moving stick figure"></canvas>
<form id="form">
<fieldset><legend>This movement is</legend>
<label><input type="radio" name="kind" value="real" required> recorded</label>
<label><input type="radio" name="kind" value="generated"> generated</label></fieldset>
<fieldset id="emotions"><legend>It seems</legend></fieldset>
<button>Next</button> <button type="button" id="save">Save answers (CSV)</button>
</form>
<script>
"use strict";
const D=/*DATA*/;
const $=id=>document.getElementById(id), canvas=$("stage"), pen=canvas.getContext("2d");
const decode=t=>{const b=atob(t.data),u=new Uint8Array(b.length);for(let i=0;i<b.length;i++)u[i]=b.charCodeAt(i);
return new Int16Array(u.buffer)};
const answers=[];let now=0,since=performance.now(),yaw=.6,points=decode(D.trials[0]),began=Date.now();
for(const e of D.emotions){const l=document.createElement("label");
l.innerHTML='<input type="radio" name="emotion" required> ';l.firstChild.value=e;l.append(e);$("emotions").append(l)}
function tell(){$("at").textContent=now<D.trials.length?`Movement ${now+1} of ${D.trials.length}`:
"That was the last one. Please save your answers."}
function draw(t){
 pen.clearRect(0,0,900,560);
 if(now<D.trials.length){
  const T=D.trials[now],f=Math.floor((t-since)/1000*T.rate)%(T.frames+Math.round(T.rate*.4)),
   k=Math.min(f,T.frames-1);
  const c=Math.cos(yaw),s=Math.sin(yaw),at=j=>{const i=(k*21+j)*3,x=points[i]*D.step,y=points[i+1]*D.step,
   z=points[i+2]*D.step;
   const X=x*c-z*s,Z=x*s+z*c,d=6-Z,q=900/Math.max(d,1.2);return[450+X*q*.9,460-(y-.1)*q*.9]};
  pen.strokeStyle="#eee";pen.lineWidth=1;
  for(let g=-3;g<=3;g++){for(const p of [[[g,-3],[g,3]],[[-3,g],[3,g]]]){const w=p.map(([x,z])=>{const X=x*c-z*s,
   Z=x*s+z*c,q=900/Math.max(6-Z,1.2);return[450+X*q*.9,460+.1*q*.9]});
   pen.beginPath();pen.moveTo(...w[0]);pen.lineTo(...w[1]);pen.stroke()}}
  pen.lineWidth=6;pen.lineCap="round";pen.strokeStyle="#334";
  for(const[a,b]of D.bones){pen.beginPath();pen.moveTo(...at(a));pen.lineTo(...at(b));pen.stroke()}
  const h=at(4);pen.fillStyle="#334";pen.beginPath();pen.arc(h[0],h[1]-12,13,0,7);pen.fill();
 }
 requestAnimationFrame(draw)}
$("form").addEventListener("submit",e=>{e.preventDefault();if(now>=D.trials.length)return;
 const said=new FormData(e.target),T=D.trials[now];
 answers.push([now+1,T.kind,T.emotion,T.seed,said.get("kind"),said.get("emotion"),((Date.now()-began)/1000).toFixed(1)]);
 e.target.reset();now++;began=Date.now();if(now<D.trials.length)points=decode(D.trials[now]);since=performance.now();
 document.body.dataset.answered=answers.length;tell()});
function csv(){return["trial,kind,emotion,seed,said_kind,said_emotion,seconds",
 ...answers.map(r=>r.join(","))].join("\\n")+"\\n"}
$("save").addEventListener("click",()=>{const a=document.createElement("a");
 a.href=URL.createObjectURL(new Blob([csv()],{type:"text/csv"}));a.download="real-or-generated.csv";a.click();
 URL.revokeObjectURL(a.href)});
canvas.addEventListener("pointermove",e=>{if(e.buttons)yaw+=e.movementX/150});
tell();requestAnimationFrame(draw);
</script></html>
"""
