// Hears emotus over OSC with nothing but Unity: put it on an object, press play.
//   emotus run -s synthetic:tour -b "osc:127.0.0.1:9000?template=unity"
// What arrives is an inference about apparent expression; "unknown" means: do as if nothing had been read.
using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using UnityEngine;
using UnityEngine.Events;

public class EmotusReceiver : MonoBehaviour
{
    [Serializable] public class Said : UnityEvent<string, string, float> { } // performer, label, confidence

    public int port = 9000;
    public Said onLabel = new Said();

    /// Latest numbers by address below the performer, such as "valence" or "quality/energy"; read them in Update.
    public readonly Dictionary<string, Dictionary<string, float>> values = new Dictionary<string, Dictionary<string, float>>();
    /// Latest joints by performer and VRM/Unity humanoid name: metres and turns, already left-handed as Unity wants them.
    public readonly Dictionary<string, Dictionary<string, Pose>> joints = new Dictionary<string, Dictionary<string, Pose>>();

    const int MaxWaiting = 4096; // messages between two pictures; what finds no room is dropped
    readonly ConcurrentQueue<(string address, object[] args)> waiting = new ConcurrentQueue<(string, object[])>();
    UdpClient socket;
    Thread thread;

    void OnEnable()
    {
        socket = new UdpClient(new IPEndPoint(IPAddress.Loopback, port));
        thread = new Thread(Listen) { IsBackground = true };
        thread.Start();
    }

    void OnDisable()
    {
        socket.Close(); // ends Receive, and so the thread
        thread.Join();
    }

    void Update()
    {
        while (waiting.TryDequeue(out var message)) Take(message.address.Split('/'), message.args);
    }

    void Take(string[] path, object[] args) // "", "emotus", performer, what, ...
    {
        if (path.Length < 4 || path[1] != "emotus" || args.Length == 0) return;
        string performer = path[2];
        if (path[3] == "label" && args[0] is string label)
            onLabel.Invoke(performer, label, Of(values, performer).TryGetValue("confidence", out var sure) ? sure : 0f);
        else if (path[3] == "joint" && path.Length == 5 && args.Length == 7)
            Of(joints, performer)[path[4]] = new Pose(
                new Vector3((float)args[0], (float)args[1], (float)args[2]),
                new Quaternion((float)args[3], (float)args[4], (float)args[5], (float)args[6]));
        else if (args.Length == 1 && args[0] is float value)
            Of(values, performer)[string.Join("/", path, 3, path.Length - 3)] = value;
    }

    static Dictionary<string, T> Of<T>(Dictionary<string, Dictionary<string, T>> all, string performer)
    {
        if (!all.TryGetValue(performer, out var one)) all[performer] = one = new Dictionary<string, T>();
        return one;
    }

    void OnDrawGizmos()
    {
        foreach (var body in joints.Values)
            foreach (var joint in body.Values) Gizmos.DrawSphere(transform.TransformPoint(joint.position), 0.04f);
    }

    void Listen()
    {
        var from = new IPEndPoint(IPAddress.Any, 0);
        while (true)
        {
            try { Packet(socket.Receive(ref from)); }
            catch (SocketException) { if (socket.Client == null) return; }
            catch (ObjectDisposedException) { return; }
            catch (IndexOutOfRangeException) { } // no OSC: somebody else's datagram
            catch (ArgumentException) { }
        }
    }

    void Packet(byte[] data) { Element(data, 0, data.Length); }

    void Element(byte[] data, int at, int end)
    {
        if (data[at] == (byte)'#') // "#bundle", a time tag, then sized elements
        {
            for (at += 16; at + 4 <= end;)
            {
                int size = Int(data, ref at);
                if (size <= 0 || at + size > end) return;
                Element(data, at, at + size);
                at += size;
            }
            return;
        }
        string address = Text(data, ref at), tags = Text(data, ref at);
        var args = new object[Math.Max(tags.Length - 1, 0)];
        for (int i = 0; i < args.Length; i++)
        {
            switch (tags[i + 1])
            {
                case 'f': args[i] = BitConverter.Int32BitsToSingle(Int(data, ref at)); break;
                case 'i': args[i] = Int(data, ref at); break;
                case 's': args[i] = Text(data, ref at); break;
                default: return;
            }
        }
        if (waiting.Count < MaxWaiting) waiting.Enqueue((address, args));
    }

    static int Int(byte[] data, ref int at)
    {
        at += 4;
        return data[at - 4] << 24 | data[at - 3] << 16 | data[at - 2] << 8 | data[at - 1];
    }

    static string Text(byte[] data, ref int at)
    {
        int from = at, to = Array.IndexOf(data, (byte)0, at);
        at = (to / 4 + 1) * 4;
        return Encoding.UTF8.GetString(data, from, to - from);
    }
}
