using System.Reflection;
using Xunit.Sdk;

namespace Vernier.Tests.Goldens;

/// <summary>Runs a theory for the name of every case of a method in goldens/methods.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class GoldenCasesAttribute(string method) : DataAttribute
{
    public override IEnumerable<object[]> GetData(MethodInfo testMethod) => MethodCase.Names(method);
}
