// The script of the search page. search.py takes out these comments and the indentation; the rest travels as it is.
// What must be the same as in Python: fold, words, stem and hash (search.py), code (model/code.py).
"use strict";
const get=id=>document.getElementById(id),form=get("f"),box=get("q"),list=get("r"),more=get("m"),say=get("s");
const text=n=>get("t").children[n].textContent,tell=n=>{say.textContent=n<0?"":text(n)};
const swap=(s,from,to)=>s.replace(RegExp(`[${from}]`,"g"),c=>to[from.indexOf(c)]);
const fold=s=>swap(s.toLowerCase().normalize("NFD").replace(/[\p{M}'`´ʹʼ‘’\u200c\u200d]/gu,""),"ıґيك","iгیک");
const words=s=>fold(s).match(/[\p{L}\p{N}]{3,}/gu)||[];
const stem=w=>[...w].slice(0,4).join("");
const hash=s=>{let h=2166136261;for(const b of new TextEncoder().encode(s))h=Math.imul(h^b,16777619);return h>>>0};
const shard=s=>(hash(s)/2**(32-form.dataset.bits)|0).toString(16);
// A typed text as [code, whether its check character is right]; null if it cannot be a code.
const code=s=>{
  const A="0123456789abcdefghjkmnpqrstvwxyz";
  s=swap(s.trim().toLowerCase().replace(/[ \u00a0\u202f\-–—.·_]/g,""),"oilавекмнорстхузі","011abekmh0pctxy31");
  const d=[...s].map(c=>A.indexOf(c));
  if(d.length!=7||d.includes(-1))return null;
  const times=(a,b)=>{let p=0;for(;b;b>>=1){if(b&1)p^=a;a<<=1;if(a&32)a^=37}return p};
  let sum=0,weight=2;
  for(const v of d.slice(0,6))sum^=times(v,weight),weight=times(weight,2);
  return [s,sum==d[6]]
};
let asked=[],rest=[],found=new Map,offer=[],note=-1;
// Fetches one file of a shard. A missing one means that no story has the word.
const load=async(name,group)=>{
  const stop=new AbortController,clock=setTimeout(()=>stop.abort(),2e4);
  try{
    const answer=await fetch(`s/${form.dataset.bits}/${name}${group<0?"":"."+group}.json`,{signal:stop.signal,credentials:"omit"});
    if(answer.status==404||answer.status==403)return;
    if(!answer.ok)throw 0;
    const d=await answer.json();
    for(const e of d.e){const old=found.get(e[0])||[...e.slice(0,4),""];old[4]+=" "+(e[4]||"");found.set(e[0],old)}
    if(d.n>=0)rest.push([name,d.n])
  }finally{clearTimeout(clock)}
};
// How well a story answers: a word whose all but two last letters agree counts more than one that only starts alike.
const rank=e=>{
  const title=words(e[3]),stems=title.map(stem).concat(e[4].split(" "));
  let n=0,sum=0;
  for(const w of asked){
    const near=title.some(t=>t.startsWith(w.slice(0,Math.max(4,w.length-2))));
    if(near||stems.includes(stem(w)))n++,sum+=near
  }
  return [n,sum,e]
};
const show=()=>{
  const all=[...found.values()].map(rank),top=Math.max(0,...all.map(r=>r[0]));
  const hits=top?all.filter(r=>r[0]==top).sort((a,b)=>b[1]-a[1]||b[2][1].localeCompare(a[2][1])):[];
  list.replaceChildren(...offer,...hits.map(([,,e])=>{
    const item=document.createElement("li"),link=document.createElement("a"),day=document.createElement("small");
    link.href=e[0]+".html";link.textContent=e[3];item.lang=e[2];item.dir="auto";
    day.textContent=new Date(e[1]).toLocaleDateString(document.documentElement.lang,{dateStyle:"long",timeZone:"UTC"});
    item.append(link," ",day);
    return item
  }));
  more.hidden=!rest.length;
  tell(note>=0?note:top?top<asked.length?4:-1:rest.length?3:2)
};
// Runs one job at a time, so that there is never more than one request under way.
const busy=async job=>{
  const button=form.querySelector("button");
  if(button.disabled)return;
  button.disabled=more.disabled=true;tell(0);
  try{await job()}catch{note=1}
  show();
  button.disabled=more.disabled=false
};
const go=(typed,open)=>{
  const c=code(typed),certain=/\d|^[^aeаеоиіу]*$/i.test(typed);
  note=-1;found=new Map;rest=[];offer=[];list.replaceChildren();more.hidden=true;
  if(c&&c[1]&&certain)return open(c[0]+".html");
  history.replaceState(null,"","#"+encodeURIComponent(typed));
  if(c&&!c[1]&&certain)note=5;
  asked=[...new Map(words(typed).map(w=>[stem(w),w])).values()].sort((a,b)=>b.length-a.length).slice(0,8);
  const names=[...new Set(asked.map(w=>shard(stem(w))))].slice(0,3);
  if(c&&c[1]){
    const link=document.createElement("a");
    link.href=c[0]+".html";link.textContent=text(7)+" "+c[0].toUpperCase();offer=[link];list.append(link)
  }
  if(location.protocol=="file:")return tell(note>=0?note:6);
  if(!names.length)return tell(note>=0?note:2);
  busy(async()=>{for(const name of names)await load(name,-1)})
};
form.onsubmit=event=>{
  event.preventDefault();
  go(box.value,page=>location.assign(page))
};
more.onclick=()=>busy(async()=>{note=-1;await load(...rest[0]);rest.shift()});
if(location.hash){box.value=decodeURIComponent(location.hash.slice(1));go(box.value,page=>location.replace(page))}
