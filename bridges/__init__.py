"""Event -> OSC, WebSocket, JSON Lines and the browser viewer."""
