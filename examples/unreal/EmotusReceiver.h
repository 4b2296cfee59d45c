// Hears emotus in Unreal Engine 5 through Epic's own OSC plug-in: enable "OSC (Open Sound Control)", add "OSC" to the
// PublicDependencyModuleNames of your Build.cs, put this component on an actor.
//   emotus run -s synthetic:tour -b "osc:127.0.0.1:9000?template=unreal"
// What arrives is an inference about apparent expression; "unknown" means: do as if nothing had been read.
#pragma once

#include "Components/ActorComponent.h"
#include "CoreMinimal.h"
#include "OSCManager.h"
#include "OSCServer.h"
#include "EmotusReceiver.generated.h"

DECLARE_DYNAMIC_MULTICAST_DELEGATE_ThreeParams(
    FEmotusSaid, const FString&, Performer, const FString&, Label, float, Confidence);

UCLASS(ClassGroup = (Emotus), meta = (BlueprintSpawnableComponent))
class UEmotusReceiver : public UActorComponent
{
    GENERATED_BODY()

public:
    UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "emotus")
    int32 Port = 9000;

    /** Which emotion a performer's movement appears to express. */
    UPROPERTY(BlueprintAssignable, Category = "emotus")
    FEmotusSaid OnLabel;

    /** Latest numbers by "performer/valence", "performer/quality/energy" and so on. */
    UPROPERTY(BlueprintReadOnly, Category = "emotus")
    TMap<FString, float> Values;

    /** Latest joints by "performer/Hips" and so on: centimetres, Z up, left-handed, as the template sends them. */
    UPROPERTY(BlueprintReadOnly, Category = "emotus")
    TMap<FString, FTransform> Joints;

protected:
    virtual void BeginPlay() override
    {
        Super::BeginPlay();
        Server = UOSCManager::CreateOSCServer(TEXT("127.0.0.1"), Port, false, true, TEXT("emotus"), this);
        if (Server)
        {
            Server->OnOscMessageReceivedNative.AddUObject(this, &UEmotusReceiver::Hear);
        }
    }

    virtual void EndPlay(const EEndPlayReason::Type Reason) override
    {
        if (Server)
        {
            Server->Stop();
        }
        Super::EndPlay(Reason);
    }

private:
    void Hear(const FOSCMessage& Message, const FString& From, uint16 FromPort)
    {
        TArray<FString> Path; // "emotus", performer, what, ...
        Message.GetAddress().GetFullPath().ParseIntoArray(Path, TEXT("/"));
        if (Path.Num() < 3 || Path[0] != TEXT("emotus"))
        {
            return;
        }
        const FString Performer = Path[1];
        if (Path[2] == TEXT("label"))
        {
            FString Label;
            UOSCManager::GetString(Message, 0, Label);
            OnLabel.Broadcast(Performer, Label, Values.FindRef(Performer + TEXT("/confidence")));
        }
        else if (Path[2] == TEXT("joint") && Path.Num() == 4)
        {
            TArray<float> V;
            UOSCManager::GetAllFloats(Message, V);
            if (V.Num() == 7)
            {
                Joints.Add(Performer + TEXT("/") + Path[3],
                    FTransform(FQuat(V[3], V[4], V[5], V[6]), FVector(V[0], V[1], V[2])));
            }
        }
        else
        {
            float Value = 0.f;
            if (UOSCManager::GetFloat(Message, 0, Value))
            {
                Path.RemoveAt(0);
                Values.Add(FString::Join(Path, TEXT("/")), Value);
            }
        }
    }

    UPROPERTY()
    TObjectPtr<UOSCServer> Server;
};
