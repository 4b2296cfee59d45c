"""Hear emotus beside other work in an asyncio program: here a light that follows the valence, ten times a second."""

import asyncio

import emotus


async def shine(light: dict[str, float]) -> None:
    while True:
        print(f"light {light['valence']:+.2f}", flush=True)
        await asyncio.sleep(0.1)


async def main() -> None:
    light = {"valence": 0.0}
    shining = asyncio.create_task(shine(light))
    async with emotus.Engine().run("synthetic:happy", seconds=4, types="emotion") as run:
        async for event in run:
            light["valence"] = event.valence
    shining.cancel()


if __name__ == "__main__":
    asyncio.run(main())
